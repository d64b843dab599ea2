namespace AstStream.Streaming.Definitions;

/// <summary>
/// Exchanges a model and the one in its shadow in the text of a pipeline definition: comments, layout and everything else stay as they are.
/// </summary>
public static class PromoteEdit
{
    /// <summary>The text with the two exchanged; once more brings them back.</summary>
    /// <param name="text">The definition.</param>
    /// <param name="model">The model's name, where the definition has several under models; null for the one in model.</param>
    /// <param name="defaultModel">The folder of the model of a definition that names none.</param>
    /// <exception cref="InvalidOperationException">
    /// The model has no shadow, or the text is laid out in a way that can't be edited so; the message says it.
    /// </exception>
    public static string Apply(string text, string? model, string defaultModel)
    {
        string[] at = model is null ? ["model"] : ["models", model];
        string[] path = [.. at, PipelineKeys.ModelPath.Name];
        string[] shadow = [.. at, PipelineKeys.Shadow.Name];
        var next = DefinitionEdit.Get(text, shadow) ?? throw new InvalidOperationException(
            $"{string.Join('.', at)} has no shadow; expected '{PipelineKeys.Shadow.Name}: DIR' there, a model that is to take its place");
        var former = DefinitionEdit.Get(text, path) ?? DefinitionEdit.Quoted(defaultModel);
        return DefinitionEdit.Set(DefinitionEdit.Set(text, path, next), shadow, former);
    }
}
