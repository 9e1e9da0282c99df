/** What a child process and its parent agree on: the ready line, and that a child ends with its parent. */
@NullMarked
package io.varve.embedded.child;

import org.jspecify.annotations.NullMarked;
