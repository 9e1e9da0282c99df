/** What an agent publishes of a drive, and in which order. */
@NullMarked
package io.varve.core.feed;

import org.jspecify.annotations.NullMarked;
