namespace AstStream.Streaming.Definitions;

/// <summary>A type of source or sink that pipelines can name, with its own keys.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys, besides `type`.</param>
public abstract record ComponentType(string Type, string Doc, IReadOnlyList<Key> Keys);
