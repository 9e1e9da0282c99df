/** The change feed for people and scripts: one line an event. */
@NullMarked
package io.varve.cli.feed;

import org.jspecify.annotations.NullMarked;
