//! What the rules need of the world.
