// collector.v1 as Grafana publishes it, described by hand from its documentation, so that nothing of LinkMesh's own
// .proto files is taken for granted.
import { create, createFileRegistry } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  MethodOptions_IdempotencyLevel as Idempotency,
} from "@bufbuild/protobuf/wkt";

const text = (name, number) => ({ name, number, type: Type.STRING, label: Label.OPTIONAL });
const flag = (name, number) => ({ name, number, type: Type.BOOL, label: Label.OPTIONAL });
const message = (name, number, typeName) => ({
  name, number, type: Type.MESSAGE, label: Label.OPTIONAL, typeName: `.collector.v1.${typeName}`,
});

/** A map field and the entry type behind it. */
function map(owner, name, number, value) {
  const entry = name.split("_").map((part) => part[0].toUpperCase() + part.slice(1)).join("") + "Entry";
  return {
    field: { name, number, type: Type.MESSAGE, label: Label.REPEATED, typeName: `.collector.v1.${owner}.${entry}` },
    nested: { name: entry, options: { mapEntry: true }, field: [text("key", 1), value] },
  };
}

/** Names in JSON are lowerCamelCase; a compiler would have written them into the descriptor. */
const named = (field) => ({ ...field, jsonName: field.name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()) });

function type(name, field, maps = []) {
  return {
    name,
    field: [...field, ...maps.map((one) => one.field)].map(named),
    nestedType: maps.map(({ nested }) => ({ ...nested, field: nested.field.map(named) })),
  };
}

const labels = (owner) => [
  map(owner, "attributes", 2, text("value", 2)),
  map(owner, "local_attributes", 4, text("value", 2)),
];

const file = create(FileDescriptorProtoSchema, {
  name: "collector/v1/collector.proto",
  package: "collector.v1",
  syntax: "proto3",
  messageType: [
    type("GetConfigRequest", [
      text("id", 1),
      text("hash", 3),
      message("remote_config_status", 5, "RemoteConfigStatus"),
      message("effective_config", 6, "EffectiveConfig"),
    ], labels("GetConfigRequest")),
    type("RemoteConfigStatus", [
      { name: "status", number: 1, type: Type.ENUM, label: Label.OPTIONAL, typeName: ".collector.v1.RemoteConfigStatuses" },
      text("error_message", 2),
    ]),
    type("EffectiveConfig", [message("config_map", 1, "AgentConfigMap")]),
    type("AgentConfigMap", [], [map("AgentConfigMap", "config_map", 1, message("value", 2, "AgentConfigFile"))]),
    type("AgentConfigFile", [
      { name: "body", number: 1, type: Type.BYTES, label: Label.OPTIONAL },
      text("content_type", 2),
    ]),
    type("GetConfigResponse", [text("content", 1), text("hash", 2), flag("not_modified", 3)]),
    type("RegisterCollectorRequest", [text("id", 1), text("name", 3)], labels("RegisterCollectorRequest")),
    type("RegisterCollectorResponse", []),
    type("UnregisterCollectorRequest", [text("id", 1)]),
    type("UnregisterCollectorResponse", []),
  ],
  enumType: [{
    name: "RemoteConfigStatuses",
    value: ["UNSET", "APPLIED", "APPLYING", "FAILED"].map((name, number) => ({
      name: `RemoteConfigStatuses_${name}`, number,
    })),
  }],
  service: [{
    name: "CollectorService",
    method: [
      ["GetConfig", Idempotency.NO_SIDE_EFFECTS],
      ["RegisterCollector", Idempotency.IDEMPOTENT],
      ["UnregisterCollector", Idempotency.IDEMPOTENCY_UNKNOWN],
    ].map(([name, idempotencyLevel]) => ({
      name,
      inputType: `.collector.v1.${name}Request`,
      outputType: `.collector.v1.${name}Response`,
      options: { idempotencyLevel },
    })),
  }],
});

const registry = createFileRegistry(file, () => undefined);

/** The service, for `createClient`. */
export const CollectorService = registry.getService("collector.v1.CollectorService");

/** Numbers of the status. */
export const Status = { UNSET: 0, APPLIED: 1, APPLYING: 2, FAILED: 3 };
