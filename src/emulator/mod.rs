//! A HeyGen-compatible render server on loopback.
