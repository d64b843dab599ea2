using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace AstStream.Tests.Model;

/// <summary>Writes pickles and torch.save's zips by hand, right ones and hostile ones.</summary>
internal sealed class PickleBytes
{
    private readonly List<byte> _bytes = [0x80, 2];

    public byte[] Done() => [.. _bytes, (byte)'.'];

    public PickleBytes Op(params byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    public PickleBytes Op(char op, params byte[] bytes) => Op([(byte)op, .. bytes]);

    public PickleBytes Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var length = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        return Op([(byte)'X', .. length, .. bytes]);
    }

    public PickleBytes Int(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Op([(byte)'J', .. bytes]);
    }

    public PickleBytes Global(string module, string name) => Op([(byte)'c', .. Encoding.ASCII.GetBytes($"{module}\n{name}\n")]);

    public PickleBytes Tuple(params int[] values)
    {
        Op('(');
        foreach (var value in values)
            Int(value);
        return Op('t');
    }

    /// <summary>A tensor over a storage of its own.</summary>
    public PickleBytes Tensor(string key, int count, int offset, int[] size, int[] stride, string storage = "FloatStorage")
    {
        Global("torch._utils", "_rebuild_tensor_v2")
            .Op('(').Op('(').Text("storage").Global("torch", storage).Text(key).Text("cpu").Int(count).Op('t').Op('Q');
        return Int(offset).Tuple(size).Tuple(stride).Op(0x89).Global("collections", "OrderedDict").Op(')').Op('R').Op('t').Op('R');
    }

    /// <summary>A state dict of one tensor, w = [1, 2, 3, 4].</summary>
    public static PickleBytes OneTensor(
        int count = 4, int offset = 0, int[]? size = null, int[]? stride = null, string storage = "FloatStorage") =>
        new PickleBytes().Op('}').Op('(').Text("w").Tensor("0", count, offset, size ?? [4], stride ?? [1], storage).Op('u');

    public static byte[] Zip(
        byte[] pickle, CompressionLevel compression = CompressionLevel.NoCompression, params (string Name, byte[] Bytes)[] entries)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in ((string, byte[])[])[("archive/data.pkl", pickle), .. entries])
            {
                using var entry = zip.CreateEntry(name, compression).Open();
                entry.Write(bytes);
            }
        }

        return memory.ToArray();
    }
}
