//! Runs `keyshoal` on installations that are damaged in one way each.
