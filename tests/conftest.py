"""Fixtures are plugins, one family a file."""

pytest_plugins = [
    "tests.fixtures.fix_database",
    "tests.fixtures.fix_services",
    "tests.fixtures.fix_vault",
    "tests.fixtures.fix_people",
    "tests.fixtures.fix_projects",
    "tests.fixtures.fix_links",
    "tests.fixtures.fix_demographic",
    "tests.fixtures.fix_alone",
    "tests.fixtures.fix_containers",
]
