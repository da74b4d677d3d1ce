//! The page's entry; everything else is in the library, where it is tested.

fn main() {
    linkmesh_frontend::start();
}
