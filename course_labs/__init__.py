__version__ = "0.1.0"

import os

# How long torch's threads spin while they wait for one another, in rounds; read when torch is loaded. Its default,
# some 300,000, makes training ten times slower on a machine that has other work too; none at all, twice slower
# on an idle one (measured).
os.environ.setdefault('GOMP_SPINCOUNT', '3000')
