//! Which layout an installation has, and where its stores are.
