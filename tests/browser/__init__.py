"""The console in a real browser, on real servers. Needs Debian's Chromium at /usr/bin/chromium; without it says SKIPPED."""
