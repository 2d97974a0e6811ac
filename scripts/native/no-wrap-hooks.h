/*
 * For the build of better-sqlite3 12, included before its own sources. From 24.19 on Node's ObjectWrap takes a hook of the
 * environment away in its destructor, and needs an entered context for that; the collector destroys objects outside of any,
 * and the process aborts. Without the two calls it is the ObjectWrap of all earlier Nodes. Hooks that the module sets
 * itself stay as they are. Where the header has no such calls this changes nothing.
 */
#include <node.h>

namespace node {
inline void NoWrapHook(v8::Isolate*, void (*)(void*), void*) {}
}  // namespace node

#define AddEnvironmentCleanupHook NoWrapHook
#define RemoveEnvironmentCleanupHook NoWrapHook
#include <node_object_wrap.h>
#undef AddEnvironmentCleanupHook
#undef RemoveEnvironmentCleanupHook
