//! What every actor is built from: ask with a deadline, supervision, blocking workers.
