"""The Lua side: what the objects of a file mean. numpy only, never torch."""
