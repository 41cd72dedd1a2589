"""``python -m botcore.sandbox [market|telegram]``: the server as a child process, see ``process.serve_child``."""

import sys

from botcore.sandbox.process import serve_child

serve_child(*sys.argv[1:2])
