//! The one table of REST routes: method, path, permission, handler, documents.
