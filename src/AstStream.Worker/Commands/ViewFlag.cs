using System.CommandLine;
using AstStream.Model.Checkpoints;

namespace AstStream.Worker.Commands;

/// <summary>The flag that chooses among a model's labels.</summary>
internal static class ViewFlag
{
    public static Option<string?> Make() => new("--view")
    {
        Description = "Only the labels of one of the model's views, or its classes: aststream model info lists them.",
        HelpName = "NAME"
    };

    /// <summary>Opens a model, through a view if one is named.</summary>
    /// <exception cref="InvalidCheckpointException">The folder is no checkpoint that can be used, or has no such view.</exception>
    public static AstCheckpoint Open(string folder, string? view)
    {
        var checkpoint = AstCheckpoint.Open(folder);
        try
        {
            if (view is not null)
                checkpoint.Take(view);
            return checkpoint;
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }
}
