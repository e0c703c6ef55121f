# What Doxygen reads in place of a header. The comment at its head, which says what the file does, becomes
# the documentation of the file. The namespaces go: everything is in one, and docs/reference/cpp names it
# once, so that pages are not a level deeper for it.
NR == 1 && /^\/\// { print "/// @file" }
NR == 1 && /^\/\*/ { sub(/^\/\*/, "/** @file\n *") }
!past_head && /^\/\// { sub(/^\/\//, "///"); print; next }
!past_head && !/^[\/ ]\*/ { past_head = 1 }
/^(inline )?namespace (stridecast|v0) \{$/ || /^}  \/\/ namespace (stridecast|v0)$/ { print ""; next }
{ print }
