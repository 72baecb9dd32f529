"""What every test may use: real databases of each kind."""

pytest_plugins = ("tests.databases",)
