#include "core.h"

#include <errno.h>

long wh_result(long value) { return value < 0 ? -errno : value; }
