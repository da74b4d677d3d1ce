//! Fields of resources and scopes.

use super::{int, low_u32, set_map, text};
use crate::{
    check::field::Field,
    eval::{Datum, Error},
    record::{Resource, Scope},
};

pub(super) fn read(resource: &Resource, schema: &str, field: Field) -> Result<Datum, Error> {
    Ok(match field {
        Field::Attributes => Datum::Map(resource.attributes.clone()),
        Field::DroppedAttributesCount => Datum::Int(i64::from(resource.dropped_attributes_count)),
        Field::SchemaUrl => Datum::Text(schema.to_owned()),
        _ => return Err(super::absent()),
    })
}

pub(super) fn write(resource: &mut Resource, schema: &mut String, field: Field, datum: Datum) -> Result<(), Error> {
    match field {
        Field::Attributes => set_map(&mut resource.attributes, datum)?,
        Field::DroppedAttributesCount => resource.dropped_attributes_count = low_u32(int(datum)?),
        Field::SchemaUrl => *schema = text(datum)?,
        _ => return Err(super::absent()),
    }
    Ok(())
}

pub(super) fn read_scope(scope: &Scope, schema: &str, field: Field) -> Result<Datum, Error> {
    Ok(match field {
        Field::Name => Datum::Text(scope.name.clone()),
        Field::Version => Datum::Text(scope.version.clone()),
        Field::Attributes => Datum::Map(scope.attributes.clone()),
        Field::DroppedAttributesCount => Datum::Int(i64::from(scope.dropped_attributes_count)),
        Field::SchemaUrl => Datum::Text(schema.to_owned()),
        _ => return Err(super::absent()),
    })
}

pub(super) fn write_scope(scope: &mut Scope, schema: &mut String, field: Field, datum: Datum) -> Result<(), Error> {
    match field {
        Field::Name => scope.name = text(datum)?,
        Field::Version => scope.version = text(datum)?,
        Field::Attributes => set_map(&mut scope.attributes, datum)?,
        Field::DroppedAttributesCount => scope.dropped_attributes_count = low_u32(int(datum)?),
        Field::SchemaUrl => *schema = text(datum)?,
        _ => return Err(super::absent()),
    }
    Ok(())
}
