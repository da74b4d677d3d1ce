//! Who is there: the collectors in memory, readable from any thread without waking an actor.
