#!/bin/sh
# Installs the Debian packages of the image. With --list, it only prints their names.
set -eu

# Git is for what a pull request changes. Without fonts, text renders as boxes.
packages='ca-certificates git chromium-headless-shell ffmpeg fonts-liberation fonts-noto-cjk fonts-noto-color-emoji'

if [ "${1-}" = --list ]; then
  for package in $packages; do
    printf '%s\n' "$package"
  done
  exit
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of names
apt-get install -y -qq --no-install-recommends $packages
# What is not needed any more would stay in the layer.
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
