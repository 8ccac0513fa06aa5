//! Nothing: the package exists for its dependency's sources and its lock file.
