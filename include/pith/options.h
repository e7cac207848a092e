#pragma once

/// The options of models and sessions, which have a header each, and what programs put into them.
#include <pith/codec.h>
#include <pith/eviction.h>
#include <pith/eviction_options.h>
#include <pith/export.h>
#include <pith/feed_options.h>
#include <pith/generate_options.h>
#include <pith/kv_options.h>
#include <pith/log.h>
#include <pith/model_options.h>
#include <pith/progress.h>
#include <pith/sampling.h>
#include <pith/session_options.h>
#include <pith/threads.h>
#include <pith/token.h>
