// The contract merit:scoring@1.0.0 for C: its types as they lie in memory (the component model's canonical ABI for
// wasm32), and what a plugin needs besides. The rule of the plugin is in plugin.c.
//
// Every call has an instance of its own, so memory is taken and never given back: the instance goes as a whole.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef long long i64;

#define EXPORT(name) __attribute__((export_name(name)))

typedef struct { const char *data; u32 length; } text;
typedef struct { const u32 *items; u32 length; } indexes;

typedef struct { u32 scale; const i64 *unscaled; u32 length; } decimals;
typedef struct { const text *dictionary; u32 dictionary_length; const u32 *codes; u32 length; } texts;
enum { DECIMALS = 0, TEXTS = 1 };
typedef struct {
  text name;
  u8 kind;
  union { decimals decimals; texts texts; } values;
  indexes missing;
} column;
typedef struct { column *items; u32 length; } columns;

enum { HALF_UP = 0, HALF_EVEN = 1 };
typedef struct { text period_start, period_end, currency; u8 currency_scale, rounding; } context;
typedef struct { u32 rows; columns columns; u8 has_lines; indexes row_ends; columns line_columns; } batch;
typedef struct { text parameters; context context; batch batch; u32 row; } question;

enum { NUMBER = 0, TEXT = 1 };
enum { SCORE = 0, PAYOUT = 1, GRADE = 2, DETAIL = 3 };
enum { ROW = 0, GROUP = 1 };
typedef struct { text name; u8 kind, scale, required; } input;
typedef struct { text name; u8 role, scale; } output;
typedef struct {
  text summary;
  u8 scope;
  const input *inputs; u32 input_count;
  const input *line_inputs; u32 line_input_count;
  const output *outputs; u32 output_count;
} manifest;

typedef struct { u32 row; text message; } fault;
typedef struct { columns columns; fault *faults; u32 fault_count; } outcome;
typedef struct { text label; u8 has_output; text output; i64 unscaled; u8 scale; text note; } step;
typedef struct { step *items; u32 length; } steps;

enum { BAD_PARAMETERS = 0, BAD_BATCH = 1 };
typedef struct { u8 kind; text message; } refusal;
// An answer: what was asked for, or the reason why not.
typedef struct { u8 refused; union { manifest manifest; outcome outcome; steps steps; refusal refusal; } is; } answer;

_Static_assert(sizeof(column) == 36 && sizeof(question) == 72 && sizeof(step) == 48, "the canonical ABI");

#define T(literal) ((text){literal, sizeof(literal) - 1})

extern u8 __heap_base;
static u32 merit_next = 0;

// Bytes that nobody else has. Without memory the call ends: the host says so.
static void *take(u32 bytes) {
  u32 start = merit_next ? merit_next : (u32)&__heap_base;
  start = (start + 15) & ~15u;
  u32 pages = __builtin_wasm_memory_size(0);
  if (bytes > 0x7fffffffu - start) __builtin_trap();
  u32 needed = (start + bytes + 65535) >> 16;
  if (needed > pages && __builtin_wasm_memory_grow(0, needed - pages) == (unsigned long)-1) __builtin_trap();
  merit_next = start + bytes;
  return (void *)start;
}

// The host puts the arguments of a call into what it gets here.
EXPORT("cabi_realloc") void *cabi_realloc(void *old, u32 old_bytes, u32 alignment, u32 bytes) {
  void *fresh = take(bytes);
  __builtin_memcpy(fresh, old, old_bytes < bytes ? old_bytes : bytes);
  return fresh;
}

static answer *refuse(u8 kind, text message) {
  answer *given = take(sizeof(answer));
  given->refused = 1;
  given->is.refusal = (refusal){kind, message};
  return given;
}

static int same(text a, text b) {
  if (a.length != b.length) return 0;
  for (u32 i = 0; i < a.length; i++) if (a.data[i] != b.data[i]) return 0;
  return 1;
}

// Rounds digits from one scale to a smaller one: halves away from zero, or to even. A larger scale adds zeros.
static i64 round_to(i64 unscaled, int from, int to, u8 rounding) {
  i64 power = 1;
  for (; to > from; to--) unscaled *= 10;
  for (; from > to; from--) power *= 10;
  if (power == 1) return unscaled;
  i64 whole = unscaled / power, rest = unscaled % power;
  i64 twice = (rest < 0 ? -rest : rest) * 2;
  if (twice > power || (twice == power && (rounding == HALF_UP || whole % 2 != 0))) whole += unscaled < 0 ? -1 : 1;
  return whole;
}
