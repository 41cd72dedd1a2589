"""``python -m botcore.sandbox``: the market as a child process, see ``process.serve_child``."""

from botcore.sandbox.process import serve_child

serve_child()
