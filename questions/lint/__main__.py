"""`python -m questions.lint`."""

import sys

from questions.lint import main

sys.exit(main(sys.argv[1:]))
