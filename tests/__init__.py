"""The promises of the product, each tried through its front door."""
