//! Contracts that judge every step of the workshop, and anybody's server.
