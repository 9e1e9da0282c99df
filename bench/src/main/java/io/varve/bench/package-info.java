/** What tracking costs a write, measured by JMH; {@code bench/marks} runs it. */
@NullMarked
package io.varve.bench;

import org.jspecify.annotations.NullMarked;
