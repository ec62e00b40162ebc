//! Throwaway installations of every layout, for demonstrations, tests and benchmarks.
