using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace AstStream.Model.Onnx;

/// <summary>
/// An ONNX model under construction (onnx/onnx.proto; the field numbers are its). Weights are kept outside the model, in one
/// data file beside it, so that the graph itself is small and the runtime maps the weights from disk.
/// </summary>
internal sealed class OnnxGraph(string dataFile)
{
    private const int Alignment = 64;

    private readonly ProtoWriter _graph = new();
    private readonly List<Weight> _weights = [];
    private readonly Dictionary<string, string> _constants = new(StringComparer.Ordinal);
    private long _dataLength;
    private int _nodes;

    /// <summary>Adds a node and returns the name of its output.</summary>
    public string Node(string opType, ReadOnlySpan<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes) =>
        Node(opType, "", $"{opType}_{_nodes}", inputs, attributes);

    /// <summary>Adds a node of a given domain and output name.</summary>
    public string Node(string opType, string domain, string output, ReadOnlySpan<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        Nodes(opType, domain, [output], inputs, attributes);
        return output;
    }

    /// <summary>Adds a node of several outputs.</summary>
    public void Nodes(string opType, string domain, ReadOnlySpan<string> outputs, ReadOnlySpan<string> inputs, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        var node = new ProtoWriter();
        foreach (var input in inputs)
            node.Text(1, input);
        foreach (var output in outputs)
            node.Text(2, output);
        node.Text(3, $"{opType}_{_nodes++}").Text(4, opType);
        foreach (var (name, value) in attributes)
            node.Message(5, Attribute(name, value));
        if (domain.Length > 0)
            node.Text(7, domain);
        _graph.Message(1, node);
    }

    /// <summary>Declares a weight whose bytes are asked for when the data file is written.</summary>
    public string AddWeight(string name, ElementType type, ReadOnlySpan<int> shape, Func<byte[]> read)
    {
        var bytes = (long)type.Width();
        var tensor = new ProtoWriter();
        foreach (var dim in shape)
        {
            tensor.Integer(1, dim);
            bytes *= dim;
        }

        tensor.Integer(2, (int)type).Text(8, name);
        foreach (var (key, value) in ((string, string)[])[("location", dataFile), ("offset", $"{_dataLength}"), ("length", $"{bytes}")])
            tensor.Message(13, new ProtoWriter().Text(1, key).Text(2, value));
        _graph.Message(5, tensor.Integer(14, 1));
        _weights.Add(new Weight(name, type, _dataLength, bytes, read));
        _dataLength = (_dataLength + bytes + Alignment - 1) / Alignment * Alignment;
        return name;
    }

    /// <summary>Adds a small int64 constant; the same values in the same shape share one.</summary>
    public string Int64s(long[] values, params ReadOnlySpan<int> shape)
    {
        var key = $"{string.Join(',', shape.ToArray())}:{string.Join(',', values)}";
        if (_constants.TryGetValue(key, out var name))
            return name;
        _constants.Add(key, name = $"const_{_constants.Count}");
        var tensor = new ProtoWriter();
        foreach (var dim in shape)
            tensor.Integer(1, dim);
        _graph.Message(5, tensor.Integer(2, (int)ElementType.Int64).Text(8, name).Bytes(9, MemoryMarshal.AsBytes(values.AsSpan())));
        return name;
    }

    /// <summary>Adds a scalar of a type.</summary>
    public string Scalar(float value, ElementType type)
    {
        var key = $"{type}:{BitConverter.SingleToInt32Bits(value)}";
        if (_constants.TryGetValue(key, out var name))
            return name;
        _constants.Add(key, name = $"const_{_constants.Count}");
        _graph.Message(5, new ProtoWriter().Integer(2, (int)type).Text(8, name).Bytes(9, type.Encode([value], name)));
        return name;
    }

    /// <summary>Declares an input; a dimension is a number or a name.</summary>
    public void Input(string name, ElementType type, params ReadOnlySpan<object> shape) => _graph.Message(11, Value(name, type, shape));

    /// <summary>Declares an output.</summary>
    public void Output(string name, ElementType type, params ReadOnlySpan<object> shape) => _graph.Message(12, Value(name, type, shape));

    /// <summary>The whole model.</summary>
    public byte[] ToModel(int opset)
    {
        _graph.Text(2, "ast");
        return new ProtoWriter()
            .Integer(1, 9) // IR version
            .Text(2, "aststream")
            .Message(8, new ProtoWriter().Text(1, "").Integer(2, opset))
            .Message(8, new ProtoWriter().Text(1, "com.microsoft").Integer(2, 1))
            .Message(7, _graph)
            .ToArray();
    }

    /// <summary>Writes the weights' data file.</summary>
    public void WriteWeights(string path)
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 20);
        foreach (var weight in _weights)
        {
            file.Position = weight.Offset;
            var bytes = weight.Read();
            if (bytes.Length != weight.Bytes)
                throw new InvalidOperationException($"{weight.Name} has {bytes.Length} bytes and was declared with {weight.Bytes}");
            file.Write(bytes);
        }

        file.Flush(flushToDisk: true);
    }

    /// <summary>A short hash over the name, type and place of every weight.</summary>
    public string Layout => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', _weights.Select(w => $"{w.Name} {w.Type} {w.Offset} {w.Bytes}")))))[..12];

    /// <summary>Bytes of the data file.</summary>
    public long DataLength => _weights.Count == 0 ? 0 : _weights[^1].Offset + _weights[^1].Bytes;

    private static ProtoWriter Attribute(string name, object value)
    {
        var attribute = new ProtoWriter().Text(1, name);
        switch (value)
        {
            case float f:
                return attribute.Float(2, f).Integer(20, 1);
            case int i:
                return attribute.Integer(3, i).Integer(20, 2);
            case string text:
                return attribute.Text(4, text).Integer(20, 3);
            case int[] list:
                foreach (var i in list)
                    attribute.Integer(8, i);
                return attribute.Integer(20, 7);
            default:
                throw new ArgumentException($"no such attribute type: {value.GetType()}", nameof(value));
        }
    }

    private static ProtoWriter Value(string name, ElementType elements, ReadOnlySpan<object> shape)
    {
        var dims = new ProtoWriter();
        foreach (var dim in shape)
            dims.Message(1, dim is string text ? new ProtoWriter().Text(2, text) : new ProtoWriter().Integer(1, (int)dim));
        var type = new ProtoWriter().Integer(1, (int)elements).Message(2, dims);
        return new ProtoWriter().Text(1, name).Message(2, new ProtoWriter().Message(1, type));
    }

    private sealed record Weight(string Name, ElementType Type, long Offset, long Bytes, Func<byte[]> Read);
}
