#:property RestorePackagesWithLockFile=false
#:property PublishAot=false
// Empties the GPU code of a library but for one architecture, so that it packs small: keep-architecture.cs LIBRARY SM
//
// A section .nv_fatbin is a row of containers, each with a header (magic 0xBA55ED50, version, its own length, length of the rest) and
// entries: kind (2 bytes), version (2), header's length (4), length (8), …, the architecture at 28. Of each container that entry is kept
// which a device of the architecture takes: the greatest that is not above it, of the same first digit.
using System.Buffers.Binary;
using System.Globalization;

if (args.Length != 2 || !int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) || wanted is < 50 or > 999)
{
    Console.Error.WriteLine("usage: keep-architecture.cs LIBRARY SM (75, 80, 86, 89, 90, 120…)");
    return 2;
}

var library = File.ReadAllBytes(args[0]);
var (kept, emptied, without) = (0L, 0L, 0);
for (var at = 0; at + 16 <= library.Length; at += 8)
{
    if (BinaryPrimitives.ReadUInt32LittleEndian(library.AsSpan(at)) != 0xBA55ED50)
        continue;
    var first = at + BinaryPrimitives.ReadUInt16LittleEndian(library.AsSpan(at + 6));
    var length = BinaryPrimitives.ReadInt64LittleEndian(library.AsSpan(at + 8));
    if (length <= 0 || first + length > library.Length)
        continue; // the magic number by chance
    var end = first + (int)length;
    var entries = new List<(int Architecture, int Data, int Length)>();
    for (var entry = first; entry < end;)
    {
        var header = BinaryPrimitives.ReadInt32LittleEndian(library.AsSpan(entry + 4));
        var data = (int)BinaryPrimitives.ReadInt64LittleEndian(library.AsSpan(entry + 8));
        entries.Add((BinaryPrimitives.ReadInt32LittleEndian(library.AsSpan(entry + 28)), entry + header, data));
        entry += header + data;
    }

    var best = entries.Where(e => e.Architecture / 10 == wanted / 10 && e.Architecture <= wanted).Select(e => e.Architecture)
        .DefaultIfEmpty(0).Max();
    without += best == 0 ? 1 : 0;
    foreach (var (architecture, data, size) in entries)
    {
        if (architecture == best)
        {
            kept += size;
            continue;
        }

        library.AsSpan(data, size).Clear();
        emptied += size;
    }

    at = end - 8 - (end % 8);
}

if (kept == 0)
{
    Console.Error.WriteLine($"error: {args[0]}: holds no code for SM {wanted}");
    return 1;
}

File.WriteAllBytes(args[0], library);
Console.WriteLine(FormattableString.Invariant(
    $"{Path.GetFileName(args[0])}: {kept / 1e6:0.0} MB of code for SM {wanted} kept, {emptied / 1e6:0.0} MB for others emptied"));
return 0;
