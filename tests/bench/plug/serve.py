"""Runs `rj` as it ships; unless BENCH_LIMITS=1, without the pacing of what goes to Telegram.

The pacing is right in service; at saturation it would be all that is measured.
"""

import os

from bot.__main__ import main
from bot.channels.telegram import TelegramChannel

if __name__ == "__main__":
    if os.environ.get("BENCH_LIMITS") != "1":
        TelegramChannel.rate_limited = False
    main()
