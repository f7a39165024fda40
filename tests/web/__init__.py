"""The pages that people see, the API that systems call, and what both send along."""
