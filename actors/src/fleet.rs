//! The fleet: which collector runs which pipelines, and the texts that follow.
