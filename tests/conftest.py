"""Fixtures are plugins, one family a file."""

pytest_plugins = ["tests.fixtures.fix_database", "tests.fixtures.fix_services"]
