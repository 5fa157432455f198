"""The one MetaData of the vault's tables."""

import sqlalchemy as sa

from moiety.kit.database import NAMING

metadata = sa.MetaData(naming_convention=NAMING)
