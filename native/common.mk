# Shared by native/addon/Makefile and native/monitor/Makefile.
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))/..)
OUT ?= $(ROOT)/build/native

# Node's headers: those beside the running node, else Debian's libnode-dev.
NODE_PREFIX := $(shell node -p 'require("node:path").resolve(require("node:fs").realpathSync(process.execPath), "../..")')
NODE_INCLUDE ?= $(firstword $(patsubst %/node_api.h,%,$(wildcard \
	$(NODE_PREFIX)/include/node/node_api.h /usr/include/node/node_api.h /usr/include/nodejs/src/node_api.h)))

CC ?= gcc
CFLAGS ?= -std=gnu11 -O2 -g
WARNINGS := -Wall -Wextra -Werror
SANITIZE := -fsanitize=address,undefined -fno-omit-frame-pointer -fno-sanitize-recover=all

export ROOT OUT NODE_INCLUDE
