/* SPDX-License-Identifier: MIT */
/* understand: from a prompt to a plan, by the words that the store knows.
 *
 * Happy path: the catalogue that the parser has kept is still the store's newest, so the prompt is read at once and
 * the job goes behind the hops that would bring one. Else the job visits the store and comes back with a catalogue,
 * which the parser then keeps. A prompt that is not understood is refused, but where the store can tell the age
 * of a catalogue only by time, a fresh one is asked for first; and where there is an assistant, a prompt that is read
 * with little confidence goes there and comes back. The grammar's own reading counts when that brings no plan. */
#pragma once

#include "parser.h"

/* Reads job->inquiry with the catalogue at hand; without one, the job stays before its first hop. */
void understand(struct parser *parser, struct job *job);

/* Reads it with job->catalogue, which the parser takes over. */
void understand_again(struct parser *parser, struct job *job);

/* Takes the plan of job->inquiry->advice, or reads the prompt once more with job->catalogue. */
void understand_advised(struct parser *parser, struct job *job);
