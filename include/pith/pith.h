#pragma once

/// The one header to include. See docs/api.md for a tour.
#include <pith/batch.h>
#include <pith/candidates.h>
#include <pith/chat.h>
#include <pith/chat_format.h>
#include <pith/codec.h>
#include <pith/command.h>
#include <pith/decoding.h>
#include <pith/error.h>
#include <pith/eviction.h>
#include <pith/export.h>
#include <pith/machine.h>
#include <pith/manifest.h>
#include <pith/model.h>
#include <pith/options.h>
#include <pith/plan.h>
#include <pith/random.h>
#include <pith/sampler_stage.h>
#include <pith/sampling.h>
#include <pith/session.h>
#include <pith/snapshot.h>
#include <pith/stats.h>
#include <pith/threads.h>
#include <pith/token.h>
#include <pith/tokenizer.h>
#include <pith/version.h>
