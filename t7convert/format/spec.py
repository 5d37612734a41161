"""The .t7 format, complete enough to write a second reader from.

A ``.t7`` file is what ``torch.save(filename, object)`` of Lua Torch7 writes (``File.lua``,
``THDiskFile.c``, ``generic/Tensor.c``, ``generic/Storage.c`` of torch/torch7). MUST, SHOULD and
MAY are used as in RFC 2119, about readers and writers.


Shape of a file
===============

A file is a sequence of one or more *objects*, one for each call of ``writeObject``. There is no
magic number, no header, no length, no checksum, no padding, and nothing after the last object. A
reader MUST reach the file's end exactly at the end of an object. All objects of a file share one
numbering (see "Indices"). Files that were appended to each other number anew from 1 in each part.


Encodings
=========

Everything is written through these primitives:

==========  ==================================================  ===================================
primitive   binary                                              ASCII
==========  ==================================================  ===================================
``int``     4 bytes, two's complement                           ``%d``
``long``    8 bytes, or 4 (32-bit machines, Windows, or         ``%ld``
            ``longSize(4)``), two's complement
``short``   2 bytes, two's complement                           ``%hd``
``double``  8 bytes, IEEE 754                                   ``%.17g`` (2011 to 2013: ``%.6g``)
``float``   4 bytes, IEEE 754                                   ``%.9g`` (2011 to 2013: ``%.6g``)
``half``    2 bytes, IEEE 754                                   ``%.9g`` of its value
``char``    1 byte                                              the byte itself
``byte``    1 byte                                              the byte itself
==========  ==================================================  ===================================

Binary files are little-endian, unless the writer asked for big; the order holds for every
primitive of more than one byte. The word size holds for every ``long``, elements of LongStorage
and CudaLongStorage included.

Primitives are written one at a time or as arrays. In ASCII an array of n > 0 elements is its
elements with one blank between two of them and one newline at the end; of ``char`` and ``byte``
there are no blanks between, but there is the newline. An array of 0 elements is nothing at all: no
newline either. A single primitive is an array of 1. A reader skips any white space before a
number, and after an array exactly one newline, if it is there. Infinities are ``inf`` and
``-inf``, not-a-number ``nan`` or ``-nan`` (the sign bit; Windows: ``1.#INF``, ``1.#QNAN``,
``-1.#IND``).

Nothing in the file names the encoding. It is told by trial: the first tag (0 to 8) tells ASCII (a
digit and white space), little-endian and big-endian apart; the word size shows at the first long,
since the wrong one gives sizes, strides and a storage tag that make no sense. A reader SHOULD take
the first of (little, 8), (little, 4), (big, 8), (big, 4) that reads the whole file without an
error. A file without longs is the same in both word sizes. A file may read in both and differ: the
zeros after an empty tensor are the rest of its offset, or a nil that was written next. Then the
reading of one object is the likelier, and after that the one with fewer nils among its objects; if
that does not decide, somebody must say.


Objects
=======

An object is an ``int``, its *tag*, and what the tag says:

====  ========  ===============================================================================
tag   kind      what follows
====  ========  ===============================================================================
0     nil       nothing
1     number    ``double``
2     string    *counted text*: ``int`` n, then n ``char``
3     table     ``int`` index; if it is new: ``int`` n, then n times a key object and a value object
4     object    ``int`` index; if it is new: version and class (below), then the class's payload
5     boolean   ``int``, 0 or 1
6     function  counted text (bytecode), then an object (upvalues). ``File.lua`` has no index here;
                other programs do: ``int`` index first. The bytecode begins with ESC ``L``, which
                tells them apart
7     function  ``int`` index; if it is new: counted text (bytecode), an object: a list of upvalues
8     function  the same, but the upvalues are a list of tables {name, id, value}
====  ========  ===============================================================================

Strings hold any bytes and have no encoding. Numbers are doubles, whole ones too; -0.0 and the bits
of not-a-number MUST survive. Table keys are any objects but nil and not-a-number; ``1`` and
``true`` are two keys; a key stands once. Values MAY be nil. The order of entries is that of the
writer's hash table and differs from save to save. Bytecode is Lua's own, of whichever
implementation wrote it; a reader MUST NOT run it. Depth is not bounded: linked lists of 100,000
links exist, so a reader MUST NOT recurse.


Indices
=======

Tables, Torch objects and functions (not of tag 6) have an index, 1 for the first that is written
and one more for each new one; tables, objects and functions share the count. An index that was
read before stands alone: it is a reference to that object, and no contents follow. An index that
was not read before is a new object. So there is no such thing as a dangling reference: what should
have been one reads as a definition, and fails there or later. A reader MUST register the index
before it reads the contents, since objects contain themselves, and MUST register functions too. A
reference whose tag is of another kind than the object (tag 3 to what was read with tag 4) is an
error. Indices MAY have gaps and MAY come in any order.

``referenced(false)`` writes every object anew under a fresh index, and sharing is lost; such a
file reads by the same rules.


Versions and classes
====================

After a new index, tag 4 writes two counted texts: ``V `` and a number (``V 1``), then the class
name (``nn.Linear``). Files from before versions existed have the class name only: a first text
that is not ``V `` and a number is the class, and there is no version. Then the payload:

========================================  ======================================================
class                                     payload
========================================  ======================================================
``torch.XTensor``                         ``int`` d; array of d ``long``: sizes; array of d
                                          ``long``: strides, in elements; ``long`` offset, *from
                                          1*; an object: the storage, or nil
``torch.XStorage``                        ``long`` n; array of n elements
``nn.GPU``                                two objects: the list {type, device}; the fields
``nn.DataParallelTable`` from version 2   two objects: the list of GPUs; the fields
``torch.Timer``                           nothing
``torch.Generator``                       array of ``byte``: the C struct (below)
``tds.Hash`` (of old: ``tds_hash``)       ``long`` n, then n times a key object and a value object
``tds.Vec``                               ``long`` n, then n objects
``tds.AtomicCounter``                     ``long``
``nn.DataSet``, ``nn.DataList`` (nnx)     ``int`` 0 or 1: resized; ``int`` n; n objects
any other                                 one object: normally the table of the fields
========================================  ======================================================

X is one of Byte, Char, Short, Int, Long, Float, Double, Half, or that after ``Cuda`` (CudaByte...);
``torch.CudaTensor`` and ``torch.ClTensor`` are floats. Elements are: Byte ``byte`` (unsigned), Char
``char`` (signed), Short ``short``, Int ``int``, Long ``long``, Float ``float``, Double ``double``,
Half ``half``.

A tensor's storage MUST be of its own element type. Two tensors on one storage index share memory,
and that is how sharing is written: by (storage, offset, sizes, strides), not by tensor. The payload
stands at the storage's first user. An empty tensor has d = 0, offset 1 and no storage. Strides may
be 0 (expanded) or in any order (transposed) but not negative; the last element that a view reaches
MUST lie in the storage.

The struct of a generator has, where a long has 8 bytes, 5,048 bytes: seed (8), left (4), seeded
(4), next (8), 624 states (8 each), three doubles, one int, 4 of padding; where it has 4 bytes,
2,544. A file does not say which; states are below 2^32, so half of the first form's are zeros.

``nn.WeightNorm`` is written as a table without ``weight``, which is computed from ``v``, ``g`` and
``weightSize`` when it is read.


What a reader checks
====================

Before it allocates or looks: every count against the bytes that are left (an entry of a table has
at least 8 bytes, a value 4; in ASCII 4 and 2), string lengths and storage sizes (a product that may
overflow) likewise, dimensions (at most 32 here), sizes, strides and offset against the storage,
booleans, tags, versions, the class of a tensor's storage, the kind of a reference, duplicate keys.
In ASCII a number MUST be followed by white space: at the end of the file it may have been cut.


What a writer keeps
===================

To write back the same bytes it keeps of each object the index, the order of entries, the version's
text where it is not ``V %d``, the tag of a function, and of an ASCII file the spelling of numbers.
A new object has no index; then all are numbered anew, in the order of writing.
"""
