//! Runs `keyshoal` beside the real OpenClaw, with its gateway answering, release by release.
