"""``python -m vdc`` is ``vdc``."""

from vdc.cli import main

if __name__ == "__main__":
    main()
