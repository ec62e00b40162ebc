//! The environment variables that the command line itself looks at. OpenClaw's own are in the `openclaw` crate.

/// Set and not empty: no colour.
pub const NO_COLOR: &str = "NO_COLOR";
/// Set and not 0: colour even where no terminal is.
pub const CLICOLOR_FORCE: &str = "CLICOLOR_FORCE";
/// `dumb`: no colour.
pub const TERM: &str = "TERM";
/// Columns of the terminal, where they cannot be asked for.
pub const COLUMNS: &str = "COLUMNS";
/// The directory of keys and policy, instead of `$XDG_CONFIG_HOME/keyshoal`.
pub const KEYSHOAL_CONFIG_DIR: &str = "KEYSHOAL_CONFIG_DIR";
/// The vault's file.
pub const KEYSHOAL_VAULT: &str = "KEYSHOAL_VAULT";
/// The user's data directory.
pub const XDG_DATA_HOME: &str = "XDG_DATA_HOME";
/// Has the C library overwrite memory that is given back; read when a process begins.
pub const MALLOC_PERTURB: &str = keyshoal_local::harden::MALLOC_PERTURB;
/// Where programs are looked for.
pub const PATH: &str = "PATH";
/// The user's name.
pub const USER: &str = "USER";
/// The user's configuration directory.
pub const XDG_CONFIG_HOME: &str = "XDG_CONFIG_HOME";
/// Where systemd puts the credentials of a service.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
