#!/bin/sh
# Starts the browser with the libraries and fonts beside it. The fonts are for machines that have none.
folder=${0%/*}
export LD_LIBRARY_PATH="$folder${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export FONTCONFIG_FILE="${FONTCONFIG_FILE:-$folder/fonts.conf}"
exec "$folder/headless_shell" "$@"
