// Release callbacks and capsules; see arrow_structs.h. By the rules of the C data interface a
// parent releases the children that are still there, and a child may have been moved out and live
// longer: nothing of a child belongs to its parent but the place where its struct lies.
#include "python/arrow_structs.h"

#include "python/errors.h"
#include "python/finalizing.h"

namespace stridecast::python {
namespace {

// The children of a struct, and the table of pointers to them.
template <class Struct>
struct Children {
  std::vector<Struct> structs;
  std::vector<Struct*> table;

  explicit Children(std::vector<Owned<Struct>> children) {
    structs.reserve(children.size());
    table.reserve(children.size());
    for (Owned<Struct>& child : children) {
      structs.push_back(child.take());
      table.push_back(&structs.back());
    }
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (Struct& child : structs) {
      if (child.release != nullptr) child.release(&child);
    }
  }
};

// What a schema's pointers lead to.
struct SchemaBody {
  std::string format, name;
  Children<ArrowSchema> children;
};

// What an array's pointers lead to.
struct ArrayBody {
  std::vector<const void*> buffers;
  std::vector<Keeper> keepers;
  Children<ArrowArray> children;
};

template <class Struct, class Body>
void release(Struct* self) {
  delete static_cast<Body*>(self->private_data);
  self->private_data = nullptr;
  self->release = nullptr;
}

void drop_object(void* object) {
  // A thread that asks for the lock while the interpreter ends never returns.
  if (Py_IsInitialized() == 0 || is_finalizing()) return;
  const nb::gil_scoped_acquire gil;
  const nb::error_scope error;
  Py_DECREF(static_cast<PyObject*>(object));
}

template <class Struct>
void delete_capsule(PyObject* capsule) {
  auto* value = static_cast<Struct*>(PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule)));
  if (value == nullptr) {
    PyErr_WriteUnraisable(capsule);
    return;
  }
  if (value->release != nullptr) value->release(value);
  delete value;
}

template <class Struct>
nb::object capsule_of(Owned<Struct> owned, const char* name) {
  auto value = std::make_unique<Struct>(owned.take());
  PyObject* capsule = PyCapsule_New(value.get(), name, delete_capsule<Struct>);
  if (capsule == nullptr) {
    value->release(value.get());
    raise_current();
  }
  value.release();
  return nb::steal(capsule);
}

}  // namespace

Keeper keep_object(nb::handle object) { return Keeper(object.inc_ref().ptr(), drop_object); }

OwnedSchema make_schema(std::string format, std::string name, std::vector<OwnedSchema> children) {
  auto* body = new SchemaBody{std::move(format), std::move(name),
                              Children<ArrowSchema>(std::move(children))};
  OwnedSchema schema;
  schema->format = body->format.c_str();
  schema->name = body->name.c_str();
  schema->flags = ARROW_FLAG_NULLABLE;
  schema->n_children = static_cast<int64_t>(body->children.table.size());
  schema->children = body->children.table.empty() ? nullptr : body->children.table.data();
  schema->private_data = body;
  schema->release = release<ArrowSchema, SchemaBody>;
  return schema;
}

OwnedArray make_arrow_array(int64_t length, int64_t null_count, std::vector<const void*> buffers,
                            std::vector<Keeper> keepers, std::vector<OwnedArray> children) {
  auto* body = new ArrayBody{std::move(buffers), std::move(keepers),
                             Children<ArrowArray>(std::move(children))};
  OwnedArray array;
  array->length = length;
  array->null_count = null_count;
  array->n_buffers = static_cast<int64_t>(body->buffers.size());
  array->buffers = body->buffers.data();
  array->n_children = static_cast<int64_t>(body->children.table.size());
  array->children = body->children.table.empty() ? nullptr : body->children.table.data();
  array->private_data = body;
  array->release = release<ArrowArray, ArrayBody>;
  return array;
}

nb::object schema_capsule(OwnedSchema schema) {
  return capsule_of(std::move(schema), kSchemaCapsule);
}

nb::object array_capsule(OwnedArray array) { return capsule_of(std::move(array), kArrayCapsule); }

}  // namespace stridecast::python
