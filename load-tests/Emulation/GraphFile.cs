using System.Globalization;
using System.Runtime.InteropServices;
using AstStream.Model.Checkpoints;

namespace AstStream.Emulation;

/// <summary>A graph as AstGraph writes it: its nodes, in the order in which they run, and its constants.</summary>
internal sealed class GraphFile
{
    private readonly byte[] _weights;

    /// <summary>Reads a graph and its weights.</summary>
    public GraphFile(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var graph = Array.Empty<byte>();
        new ProtoReader(bytes).ForEach((field, _, message) => graph = field == 7 ? message.ToArray() : graph);
        var initializers = new List<byte[]>();
        new ProtoReader(graph).ForEach((field, _, message) =>
        {
            if (field == 1)
                Nodes.Add(ReadNode(message));
            else if (field == 5)
                initializers.Add(message.ToArray());
            else if (field == 11)
                InputType = ReadType(message);
        });
        _weights = [];
        foreach (var initializer in initializers)
        {
            var (name, tensor, file) = ReadTensor(initializer, _weights);
            if (tensor is null)
            {
                _weights = File.ReadAllBytes(Path.Combine(Path.GetDirectoryName(path)!, file));
                (name, tensor, _) = ReadTensor(initializer, _weights);
            }

            Constants.Add(name, tensor!);
        }
    }

    public List<GraphNode> Nodes { get; } = [];

    public Dictionary<string, Tensor> Constants { get; } = new(StringComparer.Ordinal);

    /// <summary>The type of the input.</summary>
    public ElementType InputType { get; private set; }

    private static GraphNode ReadNode(ReadOnlySpan<byte> message)
    {
        var node = new GraphNode("", [], [], new Dictionary<string, object>(StringComparer.Ordinal));
        var name = "";
        new ProtoReader(message).ForEach((field, _, bytes) =>
        {
            if (field == 1)
                node.Inputs.Add(ProtoReader.Text(bytes));
            else if (field == 2)
                node.Outputs.Add(ProtoReader.Text(bytes));
            else if (field == 4)
                name = ProtoReader.Text(bytes);
            else if (field == 5)
                ReadAttribute(bytes, node.Attributes);
        });
        return node with { Operator = name };
    }

    private static void ReadAttribute(ReadOnlySpan<byte> message, Dictionary<string, object> attributes)
    {
        var name = "";
        object value = 0L;
        var list = new List<long>();
        new ProtoReader(message).ForEach((field, number, bytes) =>
        {
            if (field == 1)
                name = ProtoReader.Text(bytes);
            else if (field == 2)
                value = BitConverter.UInt32BitsToSingle((uint)number);
            else if (field == 3)
                value = (long)number;
            else if (field == 4)
                value = ProtoReader.Text(bytes);
            else if (field == 8)
                list.Add((long)number);
        });
        attributes[name] = list.Count > 0 ? list : value;
    }

    private static ElementType ReadType(ReadOnlySpan<byte> valueInfo)
    {
        var type = 0;
        new ProtoReader(valueInfo).ForEach((field, _, bytes) =>
        {
            if (field == 2)
                new ProtoReader(bytes).ForEach((_, _, tensor) => new ProtoReader(tensor).ForEach(
                    (inner, number, _) => type = inner == 1 ? (int)number : type));
        });
        return (ElementType)type;
    }

    /// <summary>A constant; null, with the file that its values are in, while that is not read.</summary>
    private static (string Name, Tensor? Tensor, string File) ReadTensor(byte[] message, byte[] weights)
    {
        var (name, file, type) = ("", "", 0);
        var (offset, length) = (0, -1);
        var shape = new List<int>();
        var raw = Array.Empty<byte>();
        new ProtoReader(message).ForEach((field, number, bytes) =>
        {
            if (field == 1)
                shape.Add((int)number);
            else if (field == 2)
                type = (int)number;
            else if (field == 8)
                name = ProtoReader.Text(bytes);
            else if (field == 9)
                raw = bytes.ToArray();
            else if (field == 13)
            {
                var (key, value) = ("", "");
                new ProtoReader(bytes).ForEach((inner, _, text) =>
                {
                    if (inner == 1)
                        key = ProtoReader.Text(text);
                    else
                        value = ProtoReader.Text(text);
                });
                if (key == "location")
                    file = value;
                else if (key == "offset")
                    offset = int.Parse(value, CultureInfo.InvariantCulture);
                else
                    length = int.Parse(value, CultureInfo.InvariantCulture);
            }
        });
        if (length >= 0 && weights.Length == 0)
            return (name, null, file);
        ReadOnlySpan<byte> data = length >= 0 ? weights.AsSpan(offset, length) : raw;
        return (name, Decode((ElementType)type, [.. shape], data), file);
    }

    private static Tensor Decode(ElementType type, int[] shape, ReadOnlySpan<byte> data)
    {
        switch (type)
        {
            case ElementType.Int64:
                return new Tensor(type, shape, [], MemoryMarshal.Cast<byte, long>(data).ToArray());
            case ElementType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(data);
                var values = new float[halves.Length];
                for (var i = 0; i < values.Length; i++)
                    values[i] = (float)halves[i];
                return new Tensor(type, shape, values, []);
            case ElementType.BFloat16:
                var upper = MemoryMarshal.Cast<byte, ushort>(data);
                values = new float[upper.Length];
                for (var i = 0; i < values.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)upper[i] << 16);
                return new Tensor(type, shape, values, []);
            default:
                return new Tensor(type, shape, MemoryMarshal.Cast<byte, float>(data).ToArray(), []);
        }
    }
}
