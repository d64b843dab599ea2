namespace AstStream.Emulation;

/// <summary>A node of an ONNX graph.</summary>
internal sealed record GraphNode(string Operator, List<string> Inputs, List<string> Outputs, Dictionary<string, object> Attributes)
{
    public int Int(string name, int otherwise) => Attributes.TryGetValue(name, out var value) ? (int)(long)value : otherwise;

    public float Float(string name) => (float)Attributes[name];

    public int[] Ints(string name) => [.. ((List<long>)Attributes[name]).Select(i => (int)i)];

    public string Text(string name) => Attributes.TryGetValue(name, out var value) ? (string)value : "";
}
