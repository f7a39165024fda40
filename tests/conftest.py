"""What every test can ask for."""

pytest_plugins = ["tests.servers.fixtures", "tests.databases", "tests.system", "tests.faults.stage"]
